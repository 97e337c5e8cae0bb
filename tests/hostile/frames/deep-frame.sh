# Lists within one another, sixty thousand times.
# expect: nests too deep
hear
say "$READY"
hear
say '\140\352\000\000'
head -c 60000 /dev/zero | tr '\000' '\201' >&3
sleep 60
