"""Events, Merkle log, checkpoints, packs and their offline verifier."""
