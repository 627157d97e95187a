// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pkg/config"
)

const domain = "cluster.local"

// Files have no creation time; a cluster gives one to every object. One and the same for all is
// the tie that the files leave open.
var unknownAge = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

type objects struct {
	kubernetes []runtime.Object
	istio      []config.Config
	pods       map[string]*corev1.Pod // by namespace/name
	addresses  map[string]string      // podIP -> namespace/name
}

func read(q question) (*objects, error) {
	found := &objects{pods: map[string]*corev1.Pod{}, addresses: map[string]string{}}
	services := []*corev1.Service{}
	for _, raw := range q.Objects {
		var head metav1.TypeMeta
		if err := json.Unmarshal(raw, &head); err != nil {
			return nil, err
		}
		var err error
		switch head.Kind {
		case "Namespace":
			err = found.kube(raw, &corev1.Namespace{})
		case "Pod":
			pod := &corev1.Pod{}
			err = found.kube(raw, pod)
			found.pods[pod.Namespace+"/"+pod.Name] = pod
			found.addresses[pod.Status.PodIP] = pod.Namespace + "/" + pod.Name
		case "Service":
			service := &corev1.Service{}
			err = found.kube(raw, service)
			stored(service)
			services = append(services, service)
		case "PeerAuthentication", "DestinationRule", "ServiceEntry", "Sidecar":
			err = found.custom(raw, q.Revision)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", raw, err)
		}
	}
	for _, service := range services {
		found.endpoints(service)
	}
	return found, nil
}

func (o *objects) kube(raw json.RawMessage, into runtime.Object) error {
	if err := json.Unmarshal(raw, into); err != nil {
		return err
	}
	o.kubernetes = append(o.kubernetes, into)
	return nil
}

// custom reads one object as istiod's store does, and leaves out what is of another revision.
func (o *objects) custom(raw json.RawMessage, revision string) error {
	parsed, _, err := crd.ParseInputs(string(raw))
	if err != nil {
		return err
	}
	for _, entry := range parsed {
		if !config.ObjectInRevision(&entry, revision) {
			continue
		}
		entry.Domain = domain
		if entry.CreationTimestamp.IsZero() {
			entry.CreationTimestamp = unknownAge
		}
		o.istio = append(o.istio, entry)
	}
	return nil
}

// stored fills in what the API server does: without a target the pods' port is the same.
func stored(service *corev1.Service) {
	for i := range service.Spec.Ports {
		port := &service.Spec.Ports[i]
		if port.TargetPort == (intstr.IntOrString{}) {
			port.TargetPort = intstr.FromInt32(port.Port)
		}
	}
}

// endpoints adds what the EndpointSlice controller would write: all pods are ready.
func (o *objects) endpoints(service *corev1.Service) {
	if len(service.Spec.Selector) == 0 {
		return
	}
	selector := labels.SelectorFromSet(service.Spec.Selector)
	for _, pod := range o.pods {
		if pod.Namespace != service.Namespace || !selector.Matches(labels.Set(pod.Labels)) {
			continue
		}
		ready := true
		slice := &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{
				Name:      service.Name + "-" + pod.Name,
				Namespace: service.Namespace,
				Labels:    map[string]string{discoveryv1.LabelServiceName: service.Name},
			},
			AddressType: discoveryv1.AddressTypeIPv4,
			Endpoints: []discoveryv1.Endpoint{{
				Addresses:  []string{pod.Status.PodIP},
				Conditions: discoveryv1.EndpointConditions{Ready: &ready},
				TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name},
			}},
		}
		for _, port := range service.Spec.Ports {
			if number, known := targetPort(port, pod); known {
				name, protocol := port.Name, port.Protocol
				slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{Name: &name, Port: &number, Protocol: &protocol})
			}
		}
		o.kubernetes = append(o.kubernetes, slice)
	}
}

func targetPort(port corev1.ServicePort, pod *corev1.Pod) (int32, bool) {
	if port.TargetPort.Type == intstr.String {
		for _, container := range pod.Spec.Containers {
			for _, declared := range container.Ports {
				if declared.Name == port.TargetPort.StrVal {
					return declared.ContainerPort, true
				}
			}
		}
		return 0, false
	}
	return port.TargetPort.IntVal, true
}
