# A worker that says nothing any more.
# expect: PLUGIN_DEADLINE
hear
say "$READY"
hear
sleep 60
