"""Real PostgreSQL, RabbitMQ and Redis for one command: `python -m tests.servers COMMAND…`.

Taken in this order: those that TRANSFUSE_TEST_POSTGRES, TRANSFUSE_TEST_RABBITMQ and TRANSFUSE_TEST_REDIS name; those
that run on their standard ports and let us in; own instances on loopback below `.transfuse/services`, of programs that
are installed or that root installs with apt-get. TRANSFUSE_TEST_DISCOVERY=own goes straight to own instances.
"""
