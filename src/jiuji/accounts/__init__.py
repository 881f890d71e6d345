"""Who may sign in, in which role, for which place; delegation; what each role may do."""
