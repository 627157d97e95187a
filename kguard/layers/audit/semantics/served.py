# SPDX-License-Identifier: Apache-2.0
"""What does each Kubernetes minor serve? Written by support/generators/kubernetes_resources.py.

From the discovery documents (api/discovery) of the modules below, which hold every API, also the
alpha and beta ones that somebody may switch on. A line tells the scope (`n`: in namespaces, `c`:
of the cluster), the resource, its verbs, and the minors where not all of them have it.
"""

MODULES = {
    "1.29": "k8s.io/kubernetes v1.29.6 h1:jn8kA/oVOAWZOeoorx6xZ4d+KgGp+Evgi90x9bEI/DE=",
    "1.30": "k8s.io/kubernetes v1.30.14 h1:MrlKXh9uhLIJpyxOeXhcndzRVSvwiV9iJ8NgH8nqPsg=",
    "1.31": "k8s.io/kubernetes v1.31.14 h1:UtjLfqvXLuSVDdJ4+NpQCIfFkKkLnAAVmxAEMsnkhjk=",
    "1.32": "k8s.io/kubernetes v1.32.13 h1:5TGYdZ6YZqdp6h/Rp1vX/4TIoybMPdgv97LCZCtPuNQ=",
    "1.33": "k8s.io/kubernetes v1.33.13 h1:bmH31xUdSzeA5vk0wZAK9MZp11mdLuzUSeKk0qN3hPQ=",
    "1.34": "k8s.io/kubernetes v1.34.4 h1:Yy6R4QB8C9kJPp25GFqEvX5XQwY5qzKeqD0Xx6oAcmk=",
    "1.35": "k8s.io/kubernetes v1.35.4 h1:o/8dBC/pHVpYoGV4OAIytAlNPZbdYVTXJHoYvXC4qzM=",
    "1.36": "k8s.io/kubernetes v1.36.3 h1:qDQdoMiluAE2Eab6Fa52YV+WjiGz9mZFFoagEA6cI+o=",
    "1.37": "k8s.io/kubernetes v1.37.2 h1:A2VDEiObzkYqFTKhSsn0ZEb0RlLEXpHWj93gi2HqEwE=",
}
"""By minor: module, version and checksum."""

TABLE = """\
core
 n bindings create
 c componentstatuses get,list
 n configmaps all
 n endpoints all
 n events all
 n limitranges all
 c namespaces create,delete,get,list,patch,update,watch
 c namespaces/finalize update
 c namespaces/status get,patch,update
 c nodes all
 c nodes/proxy create,delete,get,patch,update
 c nodes/status get,patch,update
 n persistentvolumeclaims all
 n persistentvolumeclaims/status get,patch,update
 c persistentvolumes all
 c persistentvolumes/status get,patch,update
 n pods all
 n pods/attach create,get
 n pods/binding create
 n pods/ephemeralcontainers get,patch,update
 n pods/eviction create
 n pods/exec create,get
 n pods/log get
 n pods/portforward create,get
 n pods/proxy create,delete,get,patch,update
 n pods/resize get,patch,update 1.32-1.37
 n pods/status get,patch,update
 n podtemplates all
 n replicationcontrollers all
 n replicationcontrollers/scale get,patch,update
 n replicationcontrollers/status get,patch,update
 n resourcequotas all
 n resourcequotas/status get,patch,update
 n secrets all
 n serviceaccounts all
 n serviceaccounts/token create
 n services all
 n services/proxy create,delete,get,patch,update
 n services/status get,patch,update
admissionregistration.k8s.io
 c mutatingadmissionpolicies all 1.32-1.37
 c mutatingadmissionpolicybindings all 1.32-1.37
 c mutatingwebhookconfigurations all
 c validatingadmissionpolicies all
 c validatingadmissionpolicies/status get,patch,update
 c validatingadmissionpolicybindings all
 c validatingwebhookconfigurations all
apiextensions.k8s.io
 c customresourcedefinitions all
 c customresourcedefinitions/status get,patch,update
apiregistration.k8s.io
 c apiservices all
 c apiservices/status get,patch,update
apps
 n controllerrevisions all
 n daemonsets all
 n daemonsets/status get,patch,update
 n deployments all
 n deployments/scale get,patch,update
 n deployments/status get,patch,update
 n replicasets all
 n replicasets/scale get,patch,update
 n replicasets/status get,patch,update
 n statefulsets all
 n statefulsets/scale get,patch,update
 n statefulsets/status get,patch,update
authentication.k8s.io
 c selfsubjectreviews create
 c tokenreviews create
authorization.k8s.io
 n localsubjectaccessreviews create
 c selfsubjectaccessreviews create
 c selfsubjectrulesreviews create
 c subjectaccessreviews create
autoscaling
 n horizontalpodautoscalers all
 n horizontalpodautoscalers/status get,patch,update
batch
 n cronjobs all
 n cronjobs/status get,patch,update
 n jobs all
 n jobs/status get,patch,update
certificates.k8s.io
 c certificatesigningrequests all
 c certificatesigningrequests/approval get,patch,update
 c certificatesigningrequests/status get,patch,update
 c clustertrustbundles all
 n podcertificaterequests all 1.34-1.37
 n podcertificaterequests/status get,patch,update 1.34-1.37
coordination.k8s.io
 n leasecandidates all 1.31-1.37
 n leases all
discovery.k8s.io
 n endpointslices all
events.k8s.io
 n events all
flowcontrol.apiserver.k8s.io
 c flowschemas all
 c flowschemas/status get,patch,update
 c prioritylevelconfigurations all
 c prioritylevelconfigurations/status get,patch,update
internal.apiserver.k8s.io
 c storageversions all
 c storageversions/status get,patch,update
lifecycle.k8s.io
 n evictionrequests all 1.37-1.37
 n evictionrequests/status get,patch,update 1.37-1.37
 n evictions all 1.37-1.37
 n evictions/status get,patch,update 1.37-1.37
networking.k8s.io
 c ingressclasses all
 n ingresses all
 n ingresses/status get,patch,update
 c ipaddresses all
 n networkpolicies all
 c servicecidrs all
 c servicecidrs/status get,patch,update
node.k8s.io
 c runtimeclasses all
policy
 n poddisruptionbudgets all
 n poddisruptionbudgets/status get,patch,update
rbac.authorization.k8s.io
 c clusterrolebindings all
 c clusterroles all
 n rolebindings all
 n roles all
resource.k8s.io
 c deviceclasses all 1.31-1.37
 c devicetaintrules all 1.33-1.37
 c devicetaintrules/status get,patch,update 1.35-1.37
 n podschedulingcontexts all 1.29-1.31
 n podschedulingcontexts/status get,patch,update 1.29-1.31
 n resourceclaimparameters all 1.30-1.30
 n resourceclaims all
 n resourceclaims/status get,patch,update
 n resourceclaimtemplates all
 c resourceclasses all 1.29-1.30
 n resourceclassparameters all 1.30-1.30
 c resourcepoolstatusrequests all 1.36-1.37
 c resourcepoolstatusrequests/status get,patch,update 1.36-1.37
 c resourceslices all 1.30-1.37
scheduling.k8s.io
 n compositepodgroups all 1.37-1.37
 n compositepodgroups/status get,patch,update 1.37-1.37
 n podgroups all 1.36-1.37
 n podgroups/status get,patch,update 1.36-1.37
 c priorityclasses all
 n workloads all 1.35-1.37
storage.k8s.io
 c csidrivers all
 c csinodes all
 c csinodes/status get,patch,update 1.37-1.37
 n csistoragecapacities all
 c storageclasses all
 c volumeattachments all
 c volumeattachments/status get,patch,update
 c volumeattributesclasses all
storagemigration.k8s.io
 c storageversionmigrations all 1.30-1.37
 c storageversionmigrations/status get,patch,update 1.30-1.37
"""
