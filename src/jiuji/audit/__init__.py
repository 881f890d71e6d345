"""The event chain: who did what, when it happened, when it was recorded; and the proof that nothing was changed."""
