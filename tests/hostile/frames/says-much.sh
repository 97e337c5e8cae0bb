# Last words of a megabyte: the last two thousand bytes are kept.
# expect: exit code 4: xxx
hear
say "$READY"
hear
head -c 1000000 /dev/zero | tr '\000' 'x' >&2
sleep 0.2
exit 4
