# A result before anything was loaded.
# expect: at load: PLUGIN_CRASHED
say "$DONE"
sleep 60
