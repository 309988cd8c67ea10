"""Mail rules: scripts, the rules of the form (`simple`), the out-of-office note (`away`), and trying them."""
