"""A node that is a small virtual machine with a kernel of its own.

What a node made of namespaces borrows from the host, its kernel, a virtual machine brings along, and with it features
that the host's may lack, such as IPVS. All else is as alike as can be: the same programs at the same paths, the same
files, the same network.

::

    host                                              virtual machine
    supervisor ── remote (one for each process) ─┐
    tests ─────── remote (the agent's) ──────────┤
                                                link ══ virtio-serial port ══ guest (process 1)
    console log <── QEMU                                                        |── containerd, kubelet, kube-proxy
                                                                                `── agents

A component in a virtual machine is represented outside by a process that ends as it ends (:mod:`remote`), so whoever
starts, watches and ends components needs to know nothing of virtual machines. All of it goes over one serial port,
which no fault of the network can reach (:mod:`link`, :mod:`guest`).
"""
