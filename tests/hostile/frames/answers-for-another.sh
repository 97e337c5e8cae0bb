# A result of a call that was never given to it.
# expect: answered for item 7
hear
say "$READY"
hear
say "$DONE_OF_ANOTHER"
sleep 60
