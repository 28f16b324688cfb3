#!/bin/sh
# A solver that never answers. Its process id stands beside it, so that a test sees it end.
echo $$ > "$0.pid"
exec sleep 300
