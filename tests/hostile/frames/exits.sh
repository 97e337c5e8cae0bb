# A worker that leaves.
# expect: exit code 3
hear
say "$READY"
hear
exit 3
