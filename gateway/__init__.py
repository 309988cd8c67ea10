"""The gateway: mail comes in by SMTP, is judged, explained, kept, released, signed and delivered.

    smtp/ (protocol)  ->  intake (resolve, judge, file)  ->  keeping  ->  queue, delivery

README.md here is the model. Not for: policies and rules as data (`domains`), stores (`archive`).
"""
