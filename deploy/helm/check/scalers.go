package check

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Scalers are the parameters of KEDA's scalers by the type of a trigger, as its
// scalers-schema.json lists them.
type Scalers map[string][]Parameter

// Parameter is one field of a trigger's metadata.
type Parameter struct {
	Name       string   `json:"name"`
	Optional   bool     `json:"optional"`
	Default    *string  `json:"default"`
	Allowed    []string `json:"allowedValue"`
	Deprecated string   `json:"deprecated"`
	// InMetadata is false for what only a TriggerAuthentication may give, such as a password.
	InMetadata bool `json:"metadataVariableReadable"`
}

// ReadScalers parses KEDA's scalers-schema.json.
func ReadScalers(document []byte) (Scalers, error) {
	var schema struct {
		Scalers []struct {
			Type       string      `json:"type"`
			Parameters []Parameter `json:"parameters"`
		} `json:"scalers"`
	}
	if err := json.Unmarshal(document, &schema); err != nil {
		return nil, fmt.Errorf("reading KEDA's schema of scalers: %w", err)
	}
	scalers := Scalers{}
	for _, s := range schema.Scalers {
		scalers[s.Type] = s.Parameters
	}
	return scalers, nil
}

// trigger checks the metadata of a trigger, which KEDA itself only reads once it scales.
func (s Scalers) trigger(o Object) []string {
	kind := o.text("type")
	parameters, known := s[kind]
	if !known {
		return []string{fmt.Sprintf("KEDA has no trigger of type %q", kind)}
	}
	var found []string
	metadata := o.fields("metadata")
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		i := slices.IndexFunc(parameters, func(p Parameter) bool { return p.Name == name })
		value, isText := metadata[name].(string)
		switch {
		case i < 0:
			found = append(found, fmt.Sprintf("a trigger of type %s has no field %s", kind, name))
		case parameters[i].Deprecated != "":
			found = append(found, fmt.Sprintf("the field %s of a trigger of type %s is removed", name, kind))
		case !parameters[i].InMetadata:
			found = append(found, fmt.Sprintf("the field %s of a trigger of type %s belongs into a TriggerAuthentication", name, kind))
		case !isText:
			found = append(found, fmt.Sprintf("the field %s of a trigger is not text", name))
		case len(parameters[i].Allowed) > 0 && !slices.Contains(parameters[i].Allowed, value):
			found = append(found, fmt.Sprintf("the field %s of a trigger is %q, want one of %v", name, value, parameters[i].Allowed))
		}
	}
	for _, p := range parameters {
		if p.InMetadata && !p.Optional && p.Default == nil && metadata[p.Name] == nil {
			found = append(found, fmt.Sprintf("a trigger of type %s lacks %s", kind, p.Name))
		}
	}
	return found
}

func (r Rules) scaledObject(o Object, objects []Object) []string {
	var found []string
	if o.number("spec", "minReplicaCount") < 1 {
		found = append(found, "scales to zero: a group without commits would never wake")
	}
	if o.number("spec", "minReplicaCount") > o.number("spec", "maxReplicaCount") {
		found = append(found, "wants more pods at least than at most")
	}
	target := o.text("spec", "scaleTargetRef", "name")
	i := slices.IndexFunc(objects, func(other Object) bool { return other.Kind() == "Deployment" && other.Name() == target })
	switch {
	case i < 0:
		found = append(found, "no Deployment "+target)
	case objects[i].At("spec", "replicas") != nil:
		found = append(found, "each upgrade sets the number of pods of "+target+" back")
	}
	triggers := o.each("spec", "triggers")
	if len(triggers) == 0 {
		found = append(found, "no trigger")
	}
	for _, t := range triggers {
		found = append(found, r.Scalers.trigger(t)...)
		if _, err := strconv.ParseFloat(t.text("metadata", targetField(t)), 64); err != nil {
			found = append(found, fmt.Sprintf("the target of a trigger of type %s is no number", t.text("type")))
		}
	}
	return found
}

// targetField names the field of a trigger with its target for each pod.
func targetField(trigger Object) string {
	return map[string]string{"kafka": "lagThreshold", "temporal": "targetQueueSize", "prometheus": "threshold"}[trigger.text("type")]
}
