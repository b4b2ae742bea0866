#!/usr/bin/env python3
"""Presidio's pattern recognizers on {id, text} lines from standard input: {id, spans} lines on standard output, and the time
on the core on standard error. Names need a spaCy model, which is not on PyPI, so no recognizer that needs one is loaded."""
import json
import sys
import time

import tldextract
from presidio_analyzer import RecognizerRegistry

# The list of suffixes that the package brings; without this it would ask the network for a newer one.
tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())

registry = RecognizerRegistry()
registry.load_predefined_recognizers(languages=['en'])
recognizers = [r for r in registry.get_recognizers(language='en', all_fields=True) if hasattr(r, 'patterns')]
rows = [json.loads(line) for line in sys.stdin]
began = time.process_time()
results = []
for row in rows:
    spans = []
    for recognizer in recognizers:
        for found in recognizer.analyze(row['text'], recognizer.supported_entities, None) or []:
            spans.append({'entity': found.entity_type, 'start': found.start, 'end': found.end, 'score': found.score})
    results.append({'id': row['id'], 'spans': [span for span in spans if span['score'] >= 0.5]})
took = time.process_time() - began
for result in results:
    print(json.dumps(result))
size = sum(len(row['text'].encode()) for row in rows)
print('presidio-analyzer, %d pattern recognizers: %.3f MB/s' % (len(recognizers), size / took / 1e6), file=sys.stderr)
