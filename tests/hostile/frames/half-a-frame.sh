# A frame that stops half-way.
# expect: PLUGIN_DEADLINE
hear
say "$READY"
hear
say '\100\000\000\000abc'
sleep 60
