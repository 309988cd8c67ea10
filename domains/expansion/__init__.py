"""Who gets mail for this address: the whole way of a message through aliases, groups, lists and forwards.

`expand` answers with a tree of steps, each with the reason it is there (`how`) and what became of it (`outcome`), both
stable words, and with the flat set of final deliveries, each once. Pages and the API go through
`domains.selectors`, which knows what somebody may see; the gateway asks here.

Nothing is decided about content, and whether a sender is who they say is the gateway's to find out.
"""

from domains.expansion.rows import register_list_reader
from domains.expansion.walk import expand
from domains.expansion.words import ARRIVALS, Delivery, Expansion, How, Outcome, Step

__all__ = ["ARRIVALS", "Delivery", "Expansion", "How", "Outcome", "Step", "expand", "register_list_reader"]
