# The same in the middle of a call.
# expect: over the limit
hear
say "$READY"
hear
say '\377\377\377\377'
sleep 60
