# A length that stops half-way.
# expect: PLUGIN_DEADLINE
hear
say "$READY"
hear
say '\100\000'
sleep 60
