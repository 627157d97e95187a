#!/bin/sh
# kubeadm init is called with whatever the caller wants
kubeadm init --apiserver-advertise-address="$ADDRESS" $EXTRA
