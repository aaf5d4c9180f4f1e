package main

import (
	"context"

	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/rotation"
)

// signingKeys looks at the keys that would sign: those of KUBEDIST_KEY, else those of repo/keys.yaml. That none is
// configured is no fault: the development key serves.
func signingKeys(ctx context.Context, env *environment) []diagnosis {
	archive := archiveOptions{}
	plan, err := loadPlan(archive.keysFile())
	if err != nil {
		return []diagnosis{{subject: "signing keys", err: err}}
	}
	var all []diagnosis
	places := environmentKeys(env)
	if plan != nil {
		d := planned(env, plan, &archive)
		if len(places) == 0 && d.err == nil {
			places, d.err = planPlaces(plan.Signing(env.Now()), archive.keysFile())
		}
		all = append(all, d)
	}
	if len(places) == 0 && plan == nil {
		return []diagnosis{{subject: "signing key", state: "none configured: the development key would sign (" + developmentKeyFile(env) + ")"}}
	}
	for _, place := range places {
		all = append(all, signingKey(ctx, env, place))
	}
	return all
}

// planned looks at the plan of the archive's keys.
func planned(env *environment, plan *rotation.Plan, archive *archiveOptions) diagnosis {
	d := diagnosis{subject: "signing keys", state: count(len(plan.Keys), "key") + " in " + archive.keysFile()}
	definition, err := archive.load()
	if err != nil {
		d.err = err
		return d
	}
	for _, f := range plan.Check(rotation.CheckOptions{Now: env.Now(), Lead: keyLead, ValidFor: definition.ValidFor}) {
		d.warnings = append(d.warnings, openpgp.Finding{Subject: f.Subject, Message: "key " + f.Subject + ": " + f.Message, Hint: f.Hint})
	}
	return d
}

// signingKey looks at one key.
func signingKey(ctx context.Context, env *environment, place string) diagnosis {
	d := diagnosis{subject: "signing key"}
	keys, err := readKeys(ctx, env, place)
	if err != nil {
		d.err = err
		return d
	}
	for _, key := range keys {
		for _, f := range openpgp.Check(key.Public(), openpgp.CheckOptions{Now: env.Now(), WarnBefore: keyLead}) {
			if f.Severity == openpgp.Error {
				d.err = hint.Errorf("kubedist key check "+place+" says more", "%s: %s", place, f.Message)
			} else {
				d.warnings = append(d.warnings, f)
			}
		}
		d.state = key.Public().String() + ", " + viewKey(place, key).Secret
	}
	return d
}
