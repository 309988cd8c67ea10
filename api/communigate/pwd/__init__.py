"""The PWD protocol: lines in, lines with three digits out, the sign-in. No Django; the house stands behind `door`."""
