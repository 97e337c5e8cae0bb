# A list that announces more items than there are bytes.
# expect: cannot be decoded
hear
say "$READY"
hear
say '\011\000\000\000\233\377\377\377\377\377\377\377\377'
sleep 60
