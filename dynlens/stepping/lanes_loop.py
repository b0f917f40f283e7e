"""The loop of `lanes`: who is accepted, what is saved, which start comes next."""

LANES = 16  # with fewer, LLVM unrolls the loop over them before it could vectorize it

# What is known of each lane.
ROWS = (
    "TIME",
    "STEP",
    "TIME_OLD",
    "STEP_DONE",
    "TREND",
    "REFUSED",
    "VAIN",
    "EXTENDED",
    "PLACE",
    "LAST",
    "ACCEPTED",
    "NEXT",
    "SPENT",
    "STEPS",
    "SUM0",
    "SUM1",
    "HITS",
    "MISSES",
)

# What the loop returns with.
PAUSED, WANTING, IDLE = range(3)
# How a start ended.
FINISHED, SPENT, SMALL, STIFF = range(1, 5)
# Columns of the record of each start.
SAVED, EVALUATIONS, STEPS, STATUS = range(4)

LOOP = """<ROWS>
PAUSED, WANTING, IDLE = range(3)
R_SAVED, R_EVALUATIONS, R_STEPS, R_STATUS = range(4)


@fast(vector, place, place, place, numbers)
def slopes(w, at, to, address, pointers):
    wide()
    call(address, block(w, at, <M>), pointers, block(w, to, <M>))


@inner
def spread(w, r, row):  # the step of each lane, for each of its entries
    wide()
    for i in range(<N>):
        for l in range(16):
            w[<STEPS_BLOCK> * <M> + 16 * i + l] = r[row + l]


<SUMS>


@inner
def step(w, r, rtol, atol, address, pointers):
    wide()
    spread(w, r, STEP)
    stages(w, address, pointers)
    for i in range(<M>):
        a, b = abs(w[i]), abs(w[<M> + i])
        scale = w[<STEPS_BLOCK> * <M> + i] / (atol + rtol * (a if a > b else b))
        <SQUARES>
    <TOTALS>


@inner
def total(w, at, r, row):  # over the entries of each lane
    wide()
    for l in range(16):
        r[row + l] = <TOTAL>


@inner
def control(r, t_end, budget):
    # Without a branch, so that it is done for all lanes at once. True if any needs a closer look.
    wide()
    found = 0
    for l in range(16):
        h, t, before = r[STEP + l], r[TIME + l], r[TREND + l]
        error = <ERROR>
        <ROOTS>
        good = error < 1.0  # not so if it is no number
        after = t_end if r[LAST + l] > 0.5 else t + h
        after = after if good else t
        factor = 0.9 / (<POWER>)
        factor = factor * before if good else factor
        factor = factor if factor > 0.2 else 0.2  # what is no number becomes 0.2
        most = 10.0 if good and r[REFUSED + l] < 0.5 else 1.0
        factor = factor if factor < most else most
        least = 2.3e-15 * after + 1e-300  # so that no step is zero
        size = h * factor
        small = not good and size < least
        size = size if size > least else least
        last = after + size * (1.0 + 1e-12) >= t_end
        spent = r[SPENT + l] + <S>.0
        r[STEP + l] = t_end - after if last else size
        r[LAST + l] = 1.0 if last else 0.0
        r[TIME_OLD + l], r[TIME + l], r[STEP_DONE + l] = t, after, h
        trend = <TREND>
        r[TREND + l] = (trend if trend > <LEAST> else <LEAST>) if good else before
        r[REFUSED + l] = 0.0 if good else 1.0
        r[ACCEPTED + l] = 1.0 if good else 0.0
        r[EXTENDED + l] = 0.0
        r[VAIN + l] = 1.0 if small else 0.0
        r[SPENT + l] = spent
        r[STEPS + l] += 1.0 if good else 0.0
        found |= (good and (after >= r[NEXT + l] or spent >= budget)) or small
    return found


@inner
def look_for_stiffness(w, r, stable, t_end):
    # As in the loop of a single run: by the slopes at the new state and at the last trial.
    wide()
    for i in range(<M>):
        moved = w[<M> + i] - w[2 * <M> + i]
        turned = w[<NEW> * <M> + i] - w[<LAST> * <M> + i]
        w[<SPARE> * <M> + i] = turned * turned
        w[<STEPS_BLOCK> * <M> + i] = moved * moved
    total(w, <SPARE>, r, SUM0)
    total(w, <STEPS_BLOCK>, r, SUM1)
    found = 0
    for l in range(16):
        good = r[ACCEPTED + l] > 0.5
        h = r[STEP_DONE + l]
        hit = h * h * r[SUM0 + l] > stable * stable * r[SUM1 + l]
        misses = 0.0 if hit else r[MISSES + l] + 1.0
        hits = r[HITS + l] + 1.0 if hit else (0.0 if misses == 6.0 else r[HITS + l])
        # Changing the method costs some Hessians, of 2 P gradients each.
        worth = <S>.0 * (t_end - r[TIME + l]) > 40.0 * <N> * r[STEP + l]
        r[MISSES + l] = misses if good else r[MISSES + l]
        hits = hits if good else r[HITS + l]
        hits = hits if hits < 15.0 or worth else 0.0
        r[HITS + l] = hits
        found |= hits >= 15.0
    return found


@inner
def commit(w, r):  # what was accepted becomes the start of the next step
    wide()
    spread(w, r, ACCEPTED)
    for i in range(<M>):
        good = w[<STEPS_BLOCK> * <M> + i] > 0.5
        a, b = w[i], w[<M> + i]
        w[i] = b if good else a
        a, b = w[<FIRST> * <M> + i], w[<NEW> * <M> + i]
        w[<FIRST> * <M> + i] = b if good else a


@inner
def save(w, r, ids, times, states, record, address, pointers):
    # What lies inside a step needs the interpolant, which is evaluated for all lanes: at the next
    # time of each, and again until no lane has a time left in its step.
    extended = False
    while True:
        inside = False
        for l in range(16):
            b, r[PLACE + l] = ids[l], 0.0
            if b < 0 or r[ACCEPTED + l] < 0.5 or r[NEXT + l] > r[TIME + l]:
                continue
            k = record[b, R_SAVED]
            if times[k] < r[TIME + l]:
                x = (times[k] - r[TIME_OLD + l]) / r[STEP_DONE + l]
                r[PLACE + l] = x if x > 1e-300 else 1e-300  # whatever it is, it is saved
                inside = True
                continue
            for i in range(<N>):
                states[b, k, i] = w[(<N> + i) * 16 + l]
            record[b, R_SAVED] = k + 1
            r[NEXT + l] = times[k + 1] if k + 1 < times.size else np.inf
        if not inside:
            return
        if not extended:
            spread(w, r, STEP_DONE)
            extend(w, address, pointers)
        between(w, r)
        for l in range(16):
            if r[PLACE + l] > 0.0:
                b = ids[l]
                k = record[b, R_SAVED]
                for i in range(<N>):
                    states[b, k, i] = w[(2 * <N> + i) * 16 + l]
                record[b, R_SAVED] = k + 1
                r[NEXT + l] = times[k + 1] if k + 1 < times.size else np.inf
                if r[EXTENDED + l] < 0.5:
                    r[SPENT + l] += <EXTRA>.0
                r[EXTENDED + l] = 1.0
        extended = True


@inner
def release(r, ids, times, record, reached, budget):
    # Lanes that are done become idle.
    free = 0
    for l in range(16):
        b = ids[l]
        if b >= 0:
            status = 0
            if record[b, R_SAVED] == times.size:
                status = 1
            elif r[ACCEPTED + l] > 0.5 and r[SPENT + l] >= budget:
                status = 2
            elif r[VAIN + l] > 0.5:
                status = 3
            elif r[HITS + l] >= 15.0:
                status = 4
            if status:
                record[b, R_EVALUATIONS] = int(r[SPENT + l])
                record[b, R_STEPS] = int(r[STEPS + l])
                record[b, R_STATUS] = status
                reached[b] = r[TIME + l]
                ids[l] = -1
        free += ids[l] < 0
    return free


@inner
def norm(w, r, at, less, l, rtol, atol):  # of one block, or of the difference of two
    found = 0.0
    for i in range(<N>):
        value = w[(at * <N> + i) * 16 + l]
        if less >= 0:
            value -= w[(less * <N> + i) * 16 + l]
        found += (value / (atol + rtol * abs(w[i * 16 + l]))) ** 2
    return math.sqrt(found / <N>)


@inner
def refill(
    w, r, ids, queue, place, times, starts, record, t_end, rtol, atol, address, pointers
):
    # The next starts, each with a first step chosen by Hairer's rule. An idle lane stands still:
    # a step of no length from zero.
    taken = 0
    for l in range(16):
        r[PLACE + l] = 0.0  # whether it is new
        if ids[l] >= 0:
            continue
        for row in range(0, r.size, 16):
            r[row + l] = 0.0
        r[TIME + l], r[NEXT + l], r[SPENT + l], r[TREND + l] = t_end, np.inf, -1e300, 1.0
        for i in range(<N>):
            w[i * 16 + l] = w[(<FIRST> * <N> + i) * 16 + l] = 0.0
        if place[0] < place[1]:
            b = ids[l] = queue[place[0]]
            place[0] += 1
            taken += 1
            r[TIME + l], r[SPENT + l], r[PLACE + l] = 0.0, 2.0, 1.0
            r[NEXT + l] = times[record[b, R_SAVED]]
            for i in range(<N>):
                w[i * 16 + l] = starts[b, i]
    if taken == 0:
        return
    call(address, block(w, 0, <M>), pointers, block(w, <FIRST> + 1, <M>))
    for i in range(<M>):
        w[2 * <M> + i] = w[i]
    for l in range(16):
        if r[PLACE + l] > 0.5:
            for i in range(<N>):
                w[(<FIRST> * <N> + i) * 16 + l] = w[((<FIRST> + 1) * <N> + i) * 16 + l]
            d0 = norm(w, r, 0, -1, l, rtol, atol)
            d1 = norm(w, r, <FIRST>, -1, l, rtol, atol)
            h = 1e-6 if d0 < 1e-5 or d1 < 1e-5 else 0.01 * d0 / d1
            r[STEP + l], r[SUM0 + l] = min(h, t_end), d1
            for i in range(<N>):
                w[(2 * <N> + i) * 16 + l] += r[STEP + l] * w[(<FIRST> * <N> + i) * 16 + l]
    call(address, block(w, 2, <M>), pointers, block(w, <FIRST> + 1, <M>))
    for l in range(16):
        if r[PLACE + l] > 0.5:
            h = r[STEP + l]
            d2 = norm(w, r, <FIRST> + 1, <FIRST>, l, rtol, atol) / h
            most = max(r[SUM0 + l], d2)
            longer = max(1e-6, 1e-3 * h) if most <= 1e-15 else (0.01 / most) ** <ROOT>
            h = min(100.0 * h, longer, t_end)
            last = h * (1.0 + 1e-12) >= t_end
            r[STEP + l] = t_end if last else h
            r[LAST + l] = 1.0 if last else 0.0


@fast(
    vector, vector, *[numbers] * 3, vector, scalar[:, ::1], scalar[:, :, ::1],
    types.int64[:, ::1], vector, scalar, scalar, place, types.boolean, *[scalar] * 3, place,
    numbers,
)
def advance(
    w, r, ids, queue, place, times, starts, states, record, reached, t_end, budget, most, drain,
    stable, rtol, atol, address, pointers,
):
    wide()
    found = True
    for taken in range(most):
        if found and release(r, ids, times, record, reached, budget):
            refill(
                w, r, ids, queue, place, times, starts, record, t_end, rtol, atol, address, pointers
            )
            idle = 0
            for l in range(16):
                idle += ids[l] < 0
            if idle == 16 and place[0] == place[1]:
                return IDLE
            if idle and not drain:
                return WANTING
        step(w, r, rtol, atol, address, pointers)
        found = control(r, t_end, budget)
        if stable > 0.0:
            found |= look_for_stiffness(w, r, stable, t_end)
        if found:
            save(w, r, ids, times, states, record, address, pointers)
        commit(w, r)
    return PAUSED
"""
