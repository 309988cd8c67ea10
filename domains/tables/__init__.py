"""How lists of what we serve look and what they can be asked; one module a subject."""
