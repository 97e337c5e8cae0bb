# A second result for one call, to be taken for that of the next.
# expect: out of turn
hear
say "$READY"
hear
say "$DONE$DONE"
sleep 60
