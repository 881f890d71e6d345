"""Administrative divisions, offices, the working-day calendar."""
