"""What the five services share: ports, contracts and the plan compiler."""
