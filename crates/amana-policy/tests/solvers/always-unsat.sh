#!/bin/sh
# A solver that says to everything that it cannot be: so every policy would be proved.
while read -r line; do
    case "$line" in *check-sat*) echo unsat ;; esac
done
