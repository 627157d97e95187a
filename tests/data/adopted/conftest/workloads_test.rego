package main

test_root_is_denied {
	deny["Deployment web may run as root"] with input as {"kind": "Deployment", "metadata": {"name": "web"}}
}

test_others_are_left_alone {
	count(deny) == 0 with input as {"kind": "Service", "metadata": {"name": "web"}}
}
