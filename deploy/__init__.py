"""What is needed to run Tocsin as services: settings of servers, and a script that runs real servers without containers."""
