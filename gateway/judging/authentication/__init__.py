"""Who a message is really from: SPF, DKIM, DMARC, and ARC as others left it. `checking.authenticate` asks them all."""
