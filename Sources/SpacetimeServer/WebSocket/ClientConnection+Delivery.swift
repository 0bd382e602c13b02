import NIOCore
import SpacetimeCompression
import SpacetimeDurability
import SpacetimeEngine
import SpacetimeHost
import SpacetimeProtocol
import SpacetimeSATS
import Synchronization

/// What a client is told.
extension ClientConnection {
    /// There is something in the session's queue. From any thread.
    func wake(_ session: Session) {
        if isWoken.exchange(true, ordering: .acquiringAndReleasing) { return }
        delivery.wake(self)
    }

    /// Writes what the client is to be told, as far as the socket takes it and the log has come.
    func deliver() {
        // Reading the flag, too, so that what was put into the queue by whoever set it is seen.
        _ = isWoken.exchange(false, ordering: .acquiringAndReleasing)
        guard case .open = state, !isCompressing, let session, let transport else { return }
        defer { transport.flush() }
        // Where something is in the way, this is called again once it is not. Until then nobody needs to.
        defer {
            if held != nil || isCompressing || !transport.isWritable { isWoken.store(true, ordering: .relaxed) }
        }
        guard sendStream(over: transport) else { return }
        var end: SubscriptionEnd?
        var isFirst = true
        // While a frame is being put together nothing is written, and the answer was yes.
        while delivery.body.count > 0 || transport.isWritable, !isCompressing, end == nil,
            let event = held ?? session.queue.nextAvailable()
        {
            held = nil
            // A frame that others get as well must hold nothing that was told this client alone.
            defer { isFirst = false }
            if isConfirmed, let offset = event.offset, !watch.isDurable(offset) {
                wait(for: offset, event)
                break
            }
            let isRows = if case .subscribed = event { true } else { false }
            if case .moduleReplaced(let catalog) = event {
                self.catalog = catalog
                renewIfReplaced()
                encodeHistory()
            } else if case .ended(let reason) = event {
                end = reason
            } else if isRows, let stream = FirstRowsStream(event, of: self) {
                // What was put together before goes first.
                flushFrame(to: transport)
                self.stream = stream
                ledger.send(event, isLeaving: false)
                noteOffset(of: event)
                guard !isCompressing, sendStream(over: transport) else { return }
                continue
            } else if isRows, let rows = sharedRows(event) {
                flushFrame(to: transport)
                if isCompressing {
                    // Its turn comes when the frame before it has gone.
                    held = event
                    return
                }
                ledger.send(event, isLeaving: false)
                noteOffset(of: event)
                compressAside(rows)
                return
            } else if isFirst, let frame = sharedFrame(event) {
                ledger.send(event, isLeaving: false)
                write(frame, to: transport)
                continue
            } else {
                encode(event)
            }
            if !subprotocol.isBatched || delivery.body.count >= Self.frameByteLimit { flushFrame(to: transport) }
        }
        flushFrame(to: transport)
        if let end { finish(end) }
    }

    /// Holds an event back until its commit is on disk.
    private func wait(for offset: TxOffset, _ event: SessionEvent) {
        held = event
        if isWaitingForDisk { return }
        isWaitingForDisk = true
        delivery.wait(for: offset, self)
    }

    /// The log has come as far as was waited for.
    func deliverDurable() {
        isWaitingForDisk = false
        deliver()
    }

    private func encode(_ event: SessionEvent) {
        ledger.send(event, isLeaving: isLeaving(event))
        if subprotocol.speaksV2 { encodeV2(event) } else { encodeV1(event) }
        noteOffset(of: event)
    }

    private func finish(_ end: SubscriptionEnd) {
        switch end {
        case .overflow:
            ledger.note(.outgoingQueue)
            note(.slow)
            drop()
        // Nothing changes any more, but what is there can be asked for.
        case .complete: break
        case .failed(let error) where error.code == .closed:
            note(.moduleExited)
            close(.goingAway("module exited"))
        case .failed(let error):
            note(.failure)
            close(.failure(ProtocolError.closeReason(error.message)))
        }
    }

    // MARK: Frames

    /// The frame of what somebody else changed in one query, which most others who watch it get as it is. So it is made once
    /// for all of them whom this thread serves one after the other.
    ///
    /// - Returns: nil if it is nothing that is told alike to many. Nothing was put together then.
    private func sharedFrame(_ event: SessionEvent) -> ByteBuffer? {
        guard subprotocol.speaksV2, case .update(let update) = event, update.call == nil, update.changes.count == 1,
            update.changes[0].delta.byteCount <= Self.inlineCompressionLimit
        else { return nil }
        let change = update.changes[0]
        let compression = parameters.compression
        guard change.delta.table != nil, toldSets.contains(change.set.rawValue) else { return nil }
        if let known = delivery.sharedFrame, known.delta === change.delta, known.set == change.set,
            known.compression == compression, known.tellsOffsets == tellsOffsets
        {
            noteOffset(of: event)
            didTellOffset()
            return known.frame
        }
        encodeV2(update)
        noteOffset(of: event)
        encodeOffset()
        let frame = takeFrame(compression)
        delivery.sharedFrame = SharedFrame(
            delta: change.delta, set: change.set, compression: compression, tellsOffsets: tellsOffsets, frame: frame)
        return frame
    }

    /// Sends more of the first rows that are on their way.
    ///
    /// - Returns: false if the socket takes no more of them now.
    private func sendStream(over transport: any ClientTransport) -> Bool {
        while let stream {
            guard transport.isWritable else { return false }
            if stream.isCompressed {
                sendLater { () async throws(CompressionError) in
                    try await suspendingAside { () throws(CompressionError) in try stream.nextFrame() }
                }
                return false
            }
            // What is not compressed cannot fail.
            if let frame = try? stream.nextFrame() { write(frame, to: transport) } else { self.stream = nil }
        }
        return true
    }

    /// Sends the messages that were put together as one frame.
    private func flushFrame(to transport: any ClientTransport) {
        encodeOffset()
        let count = delivery.body.count
        // While a frame is on its way to being compressed there is nothing behind it yet.
        if count == 0 { return }
        defer { delivery.shrink() }
        if subprotocol.isText { return write(delivery.body.withUnsafeBytes { Self.frame(.text, $0) }, to: transport) }
        let compression = parameters.compression
        if compression == .none || count <= Self.inlineCompressionLimit {
            return write(takeFrame(compression), to: transport)
        }
        compressAside(delivery.body.withUnsafeBytes { Array($0) }, compression)
    }

    private func write(_ frame: ByteBuffer, to transport: any ClientTransport) {
        sentByteCount &+= UInt64(frame.readableBytes)
        ledger.sendFrame(byteCount: frame.readableBytes)
        transport.write(frame)
    }

    /// Makes the messages that were put together a frame.
    private func takeFrame(_ compression: Compression) -> ByteBuffer {
        defer { delivery.shrink() }
        guard compression != .none, delivery.body.count > Compression.threshold else {
            return delivery.body.withUnsafeBytes { Self.frame(.binary, $0, tag: Compression.none) }
        }
        delivery.body.withUnsafeBytes { body in
            ServerPayload.append(
                RawSpan(_unsafeBytes: body), compression: compression, compressor: PayloadCodec(), to: &delivery.payload
            )
        }
        return delivery.payload.withUnsafeBytes { Self.frame(.binary, $0) }
    }

    /// The first rows of a set, if they are so many that it is worth keeping the compressed message of them.
    private func sharedRows(_ event: SessionEvent) -> SetRows? {
        guard subprotocol.speaksV2, parameters.compression != .none, case .subscribed(let rows) = event else {
            return nil
        }
        return rows.rows.reduce(0) { $0 + $1.inserts.bytes.count } > Self.keptRowsMinimum ? rows : nil
    }

    /// Sends first rows as a frame that others who ask alike get, too. What comes behind it waits.
    private func compressAside(_ rows: SetRows) {
        guard let message = rowsMessage(rows) else { return deliver() }
        let key = FirstRowsFrames.Key(
            isLeaving: message.isLeaving, request: message.request, set: message.set,
            compression: parameters.compression, rows: rows.rows.map { ObjectIdentifier($0) })
        let frames = database.firstRowsFrames
        sendLater { await frames.frame(for: key, of: rows.rows) { message.encode(rows, to: &$0) } }
    }

    /// Compresses a large frame on another thread. What comes behind it waits.
    private func compressAside(_ body: [UInt8], _ compression: Compression) {
        sendLater {
            await suspendingAside { body.withUnsafeBytes { Self.frame(compressing: $0, compression) } }
        }
    }

    /// Sends a frame when it has been made, or ends the stream of frames if there is none. What comes behind it waits.
    private func sendLater(
        _ make: @escaping @Sendable () async throws(CompressionError) -> ByteBuffer?
    ) {
        isCompressing = true
        Task {
            let frame: Result<ByteBuffer?, CompressionError>
            do throws(CompressionError) { frame = .success(try await make()) } catch { frame = .failure(error) }
            delivery.eventLoop.execute { self.finishSending(frame) }
        }
    }

    private func finishSending(_ made: Result<ByteBuffer?, CompressionError>) {
        isCompressing = false
        switch made {
        case .success(let frame?):
            if let transport {
                write(frame, to: transport)
                transport.flush()
            }
        case .success(nil): stream = nil
        case .failure(let error):
            // The message has begun, and will have no end.
            note(.failure)
            return close(.failure(error.description))
        }
        deliver()
    }

    /// A frame that is a whole message.
    static func frame(
        _ opcode: WebSocketReader.Opcode, _ payload: UnsafeRawBufferPointer, tag: Compression? = nil
    ) -> ByteBuffer {
        let count = payload.count + (tag == nil ? 0 : 1)
        var frame = ByteBufferAllocator().buffer(capacity: count + WebSocketWriting.headerByteLimit)
        WebSocketWriting.appendHeader(opcode, payloadCount: count, to: &frame)
        if let tag { frame.writeInteger(tag.rawValue) }
        frame.writeBytes(payload)
        return frame
    }

    /// A frame of compressed messages, in memory of its own. From any thread.
    static func frame(compressing body: UnsafeRawBufferPointer, _ compression: Compression) -> ByteBuffer {
        var payload = BSATNWriter(reservingCapacity: body.count / 2)
        ServerPayload.append(
            RawSpan(_unsafeBytes: body), compression: compression, compressor: PayloadCodec(), to: &payload)
        return payload.withUnsafeBytes { frame(.binary, $0) }
    }

    // MARK: Keep-alive

    /// Some time has passed.
    ///
    /// - Parameter late: for how much of it nobody could look at what the client has sent.
    func tick(_ now: NIODeadline, late: TimeAmount = .zero) {
        // A client that does nothing must not keep the old module.
        renewIfReplaced()
        guard let transport else { return }
        // Nor could the client be heard while nothing is read from it.
        lastReceived = isPaused ? now : min(lastReceived + late, now)
        if now - lastReceived >= TimeAmount(options.idleTimeout) {
            note(.idle)
            return drop()
        }
        if let reason = reachedLimit(transport, now) {
            note(reason)
            return drop()
        }
        if let lastPing, isPingUnanswered || now - lastPing < TimeAmount(options.pingInterval) { return }
        lastPing = now
        isPingUnanswered = true
        var frame = ByteBuffer()
        WebSocketWriting.appendHeader(.ping, payloadCount: 0, to: &frame)
        transport.write(frame)
        transport.flush()
    }
}
