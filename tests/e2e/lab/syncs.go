package lab

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// Sync is one look of the HPA controller at an HPA: what it read, and what it did.
type Sync struct {
	Time      time.Time
	Scale     autoscalingv1.Scale                         // as the controller read it
	Written   *int32                                      // the size that it wrote; nil when it wrote none
	Conflicts int                                         // writes of the size that were refused for a newer version
	Status    autoscalingv2.HorizontalPodAutoscalerStatus // as it was after the sync
	Proposed  *int32                                      // what the metrics asked for; nil when they could not be had
	Failed    bool                                        // the sync ended with an error
}

// auditEvent is a line of kube-apiserver's audit log, as far as it is read here.
type auditEvent struct {
	Verb                     string
	RequestReceivedTimestamp time.Time
	ObjectRef                struct{ Resource, Subresource, Name string }
	ResponseStatus           struct{ Code int }
	RequestObject            json.RawMessage
	ResponseObject           json.RawMessage
}

// ReadSyncs gives the syncs of an HPA whose target is a MiniCluster that no other HPA has, from the first one on: kube-apiserver has
// written down what the controller read and wrote, and the controller what it made of the metrics.
func ReadSyncs(hpa, target string) ([]Sync, error) {
	events, err := readAudit(hpa, target)
	if err != nil {
		return nil, err
	}
	syncs, err := groupAudit(events)
	if err != nil {
		return nil, err
	}
	verdicts, err := readVerdicts(hpa, target)
	if err != nil {
		return nil, err
	}
	// A sync that is under way has no verdict yet.
	if len(verdicts) != len(syncs) && len(verdicts)+1 != len(syncs) {
		return nil, fmt.Errorf("the API server saw %d syncs of %s, the controller tells of %d", len(syncs), hpa, len(verdicts))
	}
	syncs = syncs[:len(verdicts)]
	for i, verdict := range verdicts {
		syncs[i].Proposed, syncs[i].Failed = verdict.proposed, verdict.failed
	}
	return syncs, nil
}

func readAudit(hpa, target string) ([]auditEvent, error) {
	content, err := os.ReadFile(AuditLog())
	if err != nil {
		return nil, err
	}
	var events []auditEvent
	for _, line := range bytes.Split(content, []byte("\n")) {
		var event auditEvent
		if len(line) == 0 || json.Unmarshal(line, &event) != nil {
			continue // the last line may be half there
		}
		of := event.ObjectRef
		if of.Resource == MiniClusters.Resource && of.Name == target || of.Resource != MiniClusters.Resource && of.Name == hpa {
			events = append(events, event)
		}
	}
	sort.SliceStable(events, func(a, b int) bool {
		return events[a].RequestReceivedTimestamp.Before(events[b].RequestReceivedTimestamp)
	})
	return events, nil
}

// groupAudit begins a sync with each reading of the scale, but for the one that follows a conflict.
func groupAudit(events []auditEvent) ([]Sync, error) {
	var syncs []Sync
	conflict := false
	for _, event := range events {
		scale := event.ObjectRef.Subresource == "scale"
		if scale && event.Verb == "get" && conflict {
			conflict = false
			continue
		}
		if scale && event.Verb == "get" {
			sync := Sync{Time: event.RequestReceivedTimestamp}
			if len(syncs) > 0 {
				sync.Status = syncs[len(syncs)-1].Status // written only when it changes
			}
			if err := json.Unmarshal(event.ResponseObject, &sync.Scale); err != nil {
				return nil, fmt.Errorf("the audit log has no scale where one was read: %w", err)
			}
			syncs = append(syncs, sync)
			continue
		}
		if len(syncs) == 0 {
			return nil, fmt.Errorf("the audit log begins with %s of %s", event.Verb, event.ObjectRef.Subresource)
		}
		sync := &syncs[len(syncs)-1]
		switch {
		case scale && event.ResponseStatus.Code == 409:
			sync.Conflicts++
			conflict = true
		case scale:
			var written autoscalingv1.Scale
			if err := json.Unmarshal(event.ResponseObject, &written); err != nil {
				return nil, err
			}
			sync.Written = &written.Spec.Replicas
		case event.ResponseStatus.Code == 200:
			var written autoscalingv2.HorizontalPodAutoscaler
			if err := json.Unmarshal(event.ResponseObject, &written); err != nil {
				return nil, err
			}
			sync.Status = written.Status
		}
	}
	return syncs, nil
}

type verdict struct {
	proposed *int32
	failed   bool
}

var proposedReplicas = regexp.MustCompile(`"Proposing desired replicas" desiredReplicas=(-?\d+) `)

// readVerdicts reads what the controller says of each sync: a proposal and what became of it, or an error.
func readVerdicts(hpa, target string) ([]verdict, error) {
	file, err := os.Open(filepath.Join(LogDir(), "kube-controller-manager.log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	reference := "MiniCluster/" + Namespace + "/" + target
	var verdicts []verdict
	var present verdict
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		about := strings.Contains(line, `scaleTarget="`+reference+`"`)
		proposed := proposedReplicas.FindStringSubmatch(line)
		switch {
		case about && proposed != nil:
			number, err := strconv.ParseInt(proposed[1], 10, 32)
			if err != nil {
				return nil, err
			}
			size := int32(number)
			present.proposed = &size
			continue
		case about && strings.Contains(line, `"Decided not to scale"`):
		case strings.Contains(line, `"Successfully rescaled" HPA="`+Namespace+"/"+hpa+`"`):
		case strings.Contains(line, `"Unhandled Error"`) && strings.Contains(line, " for "+reference+": "):
			present.failed = true
		default:
			continue
		}
		verdicts = append(verdicts, present)
		present = verdict{}
	}
	return verdicts, lines.Err()
}
