# A worker that loads twice.
# expect: out of turn
hear
say "$READY"
hear
say "$READY"
sleep 60
