"""What local venues share, whatever protocol they speak: connections, faults, a crowd, a record.

venue.py     what every local venue is; a venue derives from it
house.py     what a venue is to the modules here, and how its protocol differs from others'
server.py    one port for HTTP and WebSockets; sockets.py  one WebSocket; http_faults.py  requests under faults
deeds.py     what a fault script may want of a venue as a whole
switches.py  options as people type them
crowd.py     a random market; record.py  what was asked and done
"""
