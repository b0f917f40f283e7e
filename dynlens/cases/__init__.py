"""Cases: where a claim is looked at, from random states to families of runs."""
