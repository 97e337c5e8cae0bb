# A text that is no UTF-8.
# expect: cannot be decoded
hear
say "$READY"
hear
say '\003\000\000\000\142\377\376'
sleep 60
