"""What is kept of mail on its way: from the message's own bytes into stores (`moving`), and out again when its time is
over (`expiring`). `loop` does both in a process of its own. Not for deciding what is kept, and for how long: policies
say that, and `gateway.filing` makes the rows.

Rows are the truth about what is to be kept, stores about what is. A row waits until its copy is durable in a store; its
bytes stay in the database until then. Killed between the two, the store finds the copy again and places nothing twice.
"""
