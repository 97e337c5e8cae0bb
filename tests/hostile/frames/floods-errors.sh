# Standard error without an end and without an end of line.
# expect: PLUGIN_DEADLINE
hear
say "$READY"
hear
cat /dev/zero | tr '\000' 'x' >&2
