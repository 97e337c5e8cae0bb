# A worker as it should be, to show that the others end by what they do.
# expect: served
hear
say "$READY"
hear
say "$DONE"
hear
say "$DONE"
sleep 60
