#!/bin/sh
# A solver that always has an example, an empty one.
while read -r line; do
    case "$line" in
        *check-sat*) echo sat ;;
        *get-model*) printf '(\n)\n' ;;
    esac
done
