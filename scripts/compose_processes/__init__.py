"""
The stack of docker-compose.yaml as plain processes of one machine: everything of it but the images.

Services, commands, environment, secrets, health checks, dependencies and restart policies are read from the
compose file itself. Each service has a loopback address of its own, so that ports stay what they are. For an
image there is a local way of starting the same program; see ``images.py``. Linux only.
"""
