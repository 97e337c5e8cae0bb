# Bytes that are no frame.
# expect: cannot be decoded
hear
say "$READY"
hear
say '\003\000\000\000abc'
sleep 60
