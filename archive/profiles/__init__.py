"""What archiving and exporting profiles are made of: their properties, sources and targets, and how a run goes.

Services (`archive.services.profiles`) decide who may; here is what happens. `fields` says which properties a kind has;
`servers` and `files` take mail in, `sending` hands it out, `recording` keeps what is known of a source, `completeness`
counts from both ends.
"""
