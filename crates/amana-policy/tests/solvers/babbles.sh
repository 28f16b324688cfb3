#!/bin/sh
# Not a solver.
while read -r line; do
    echo "hello"
done
