import SpacetimeSchema

// Memory safety. As in the file on tables: operands are values of the columns of their index. Living ids: those of an index
// lead to rows.

/// Finding the rows that one of several look-ups finds.
extension PlanRunner {
    /// Notes the rows of all look-ups, each once: in the order in which they lie in memory.
    func openAny(
        _ step: Ref<CompiledStep>, _ state: Ref<StepState>, _ datastore: Datastore, _ table: TableRef
    ) throws(EngineError) {
        let access = step.value.access
        var ids: [UInt32] = []
        for number in 0..<access.alternativeCount {
            let alternative = plan.alternatives[access.firstAlternative &+ number]
            guard let entry = datastore.entry(alternative.index) else { continue }
            try countSeek()
            guard try findOperands(alternative, state) else { continue }
            try append(alternative, state, entry, datastore, table, to: &ids)
            if ids.count > budget.bytesKept / MemoryLayout<UInt32>.stride {
                throw .budgetExceeded(what: "bytes to keep", limit: budget.bytesKept)
            }
        }
        ids.sort()
        if step.value.isReversed { ids.reverse() }
        state.value.scan.restart(.list(Self.distinct(ids), next: 0))
        state.value.source = .scan
    }

    private func append(
        _ access: CompiledAccess, _ state: Ref<StepState>, _ entry: Datastore.IndexEntry, _ datastore: Datastore,
        _ table: TableRef, to ids: inout [UInt32]
    ) throws(EngineError) {
        func take(_ selection: TableIndex.Selection) {
            ids += datastore.rowIDs(in: selection, entry.position, of: table)
        }
        switch access.kind {
        case .table, .ranges, .any: break
        case .key:
            appendPrefix(access, state)
            take(unsafe entry.index.value.select(probe: state.value.probe.bytes, table.rows))
        case .range: take(selectRange(access, state, entry.index, table.rows))
        case .keys:
            for number in 0..<list(access, state).count {
                try countSeek()
                take(selectKey(number, access, state, entry.index, table.rows))
            }
        }
    }

    /// Without those that are equal to the one before.
    private static func distinct(_ ids: [UInt32]) -> [UInt32] {
        var kept: [UInt32] = []
        kept.reserveCapacity(ids.count)
        for id in ids where kept.last != id { kept.append(id) }
        return kept
    }
}
