# A frame of no bytes.
# expect: cannot be decoded
hear
say "$READY"
hear
say '\000\000\000\000'
sleep 60
