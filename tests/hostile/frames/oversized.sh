# A frame that announces four gigabytes.
# expect: over the limit
say '\377\377\377\377'
sleep 60
