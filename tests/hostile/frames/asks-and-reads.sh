# Questions whose answers are read, and no result.
# expect: PLUGIN_DEADLINE
hear
say "$READY"
hear
cat <&0 >/dev/null & while :
do say "$ASK$ASK$ASK$ASK$ASK$ASK$ASK$ASK"
done
