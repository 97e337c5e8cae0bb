# Questions and no result.
# expect: PLUGIN_DEADLINE
hear
say "$READY"
hear
while :
do say "$ASK"
done
