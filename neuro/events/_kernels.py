"""Compiled kernels of the event camera: one recording per call, no random numbers.

All draws (initial references, mismatch, noise events) are made beforehand, so that a
recording depends on its own stream alone, whatever runs beside it.
"""

import math

import numpy as np

from neuro.compiled import kernel

IDENTITY, LOG, LIN_LOG = 0, 1, 2
LEVEL, THRESHOLD = 0, 1
LINEAR_BELOW = 20.0  # 8-bit intensity under which v2e's response is linear


@kernel
def response(value, mode):
    """Photoreceptor level of a linear intensity in 0..1 (or of a level, mode 0)."""
    if mode == IDENTITY:
        return value
    if mode == LOG:
        return math.log(value)
    eight_bit = 255.0 * value
    if eight_bit <= LINEAR_BELOW:
        return eight_bit / LINEAR_BELOW * math.log(LINEAR_BELOW)
    return math.log(eight_bit)


@kernel
def pixel_events(
    levels, dt, reset, start, on, off, refractory, noise_t, noise_p, p_on, out_t, out_p
):
    """Events of one pixel whose level is linear between samples ``levels``.

    The change since the reference reaches a threshold at an interpolated time, at the
    earliest ``refractory`` after the last event. Returns the number of events written.
    """
    n = 0
    ref = start
    last = -np.inf
    cap = out_t.size
    k_noise, n_noise = 0, noise_t.size
    for k in range(1, levels.size):
        a_level, b_level = levels[k - 1], levels[k]
        t0 = (k - 1) * dt
        t1 = k * dt
        noisy = k_noise < n_noise and noise_t[k_noise] < t1
        if (
            not noisy
            and b_level - ref < on
            and ref - b_level < off
            and a_level - ref < on
            and ref - a_level < off
        ):
            continue
        slope = (b_level - a_level) / dt
        a = t0
        while True:
            noisy = k_noise < n_noise and noise_t[k_noise] < t1
            b = noise_t[k_noise] if noisy else t1
            while n < cap:
                s = a
                if reset == LEVEL and last + refractory > s:
                    s = last + refractory
                    if s >= b:
                        break
                at_s = a_level + slope * (s - t0)
                if at_s - ref >= on:
                    te, up = s, True
                elif ref - at_s >= off:
                    te, up = s, False
                elif slope > 0.0:
                    te, up = t0 + (ref + on - a_level) / slope, True
                elif slope < 0.0:
                    te, up = t0 + (ref - off - a_level) / slope, False
                else:
                    break
                if te < s:
                    te = s
                if te >= b:
                    break
                if reset == LEVEL:
                    ref = a_level + slope * (te - t0)
                else:
                    ref += on if up else -off
                    a = te
                    if te - last < refractory:
                        continue
                last = te
                out_t[n] = np.int64(math.floor(te))
                out_p[n] = p_on if up else 1 - p_on
                n += 1
                a = te
            if not noisy:
                break
            if b - last >= refractory and n < cap:
                out_t[n] = np.int64(math.floor(b))
                out_p[n] = noise_p[k_noise]
                n += 1
                last = b
            k_noise += 1
            a = b
    return n


@kernel
def record_still(
    canvas,
    ix,
    iy,
    fx,
    fy,
    spans,
    optics,
    reset,
    sensor,
    noise_ptr,
    noise_t,
    noise_p,
    p_on,
    scratch,
    out,
):
    """Events of a still image that moves over the sensor.

    Parameters
    ----------
    canvas : float64 (rows, columns)
        Padded image: linear intensity, or level with mode 0.
    ix, iy : int64 (n_samples,); fx, fy : float64 (n_samples,)
        Canvas place of pixel (0, 0): whole part and fraction, 0 <= f < 1.
    spans : tuple of int
        Smallest and largest ``ix``, smallest and largest ``iy``.
    optics : tuple
        (mode, dt_us, refractory_us, low-pass gain per step or 0).
    sensor : float64 (4, height, width)
        Initial reference in thresholds, on threshold, off threshold, drift per us.
    scratch : tuple
        levels float64 (n_samples,); times int64 and polarities int8 of one pixel.
    out : tuple
        t int64, x int16, y int16, p int8, each (capacity,); written up to capacity.

    Returns
    -------
    int
        Number of events of the recording, which may exceed the capacity.
    """
    mode, dt, refractory, gain = optics
    levels, pixel_t, pixel_p = scratch
    out_t, out_x, out_y, out_p = out
    _, height, width = sensor.shape
    capacity = out_t.size
    x_low, x_high, y_low, y_high = spans
    total = 0
    for y in range(height):
        for x in range(width):
            pixel = y * width + x
            first, stop = noise_ptr[pixel], noise_ptr[pixel + 1]
            value = canvas[y + y_low, x + x_low]
            still = sensor[3, y, x] == 0.0
            if still:
                for r in range(y + y_low, y + y_high + 2):
                    for c in range(x + x_low, x + x_high + 2):
                        if canvas[r, c] != value:
                            still = False
                            break
                    if not still:
                        break
            if still:
                if first == stop:
                    continue
                for k in range(levels.size):
                    levels[k] = 0.0
            else:
                low_pass = 0.0
                drift = sensor[3, y, x] * dt
                for k in range(levels.size):
                    r, c = y + iy[k], x + ix[k]
                    wx, wy = fx[k], fy[k]
                    top = canvas[r, c] + wx * (canvas[r, c + 1] - canvas[r, c])
                    low = canvas[r + 1, c] + wx * (
                        canvas[r + 1, c + 1] - canvas[r + 1, c]
                    )
                    value = top + wy * (low - top)
                    level = response(value, mode)
                    if gain > 0.0:
                        share = min(1.0, gain * (255.0 * value + 20.0) / 275.0)
                        if k == 0:
                            low_pass = level
                        low_pass += share * (level - low_pass)
                        level = low_pass
                    levels[k] = level + drift * k
            on, off = sensor[1, y, x], sensor[2, y, x]
            start = sensor[0, y, x]
            start = levels[0] + start * (on if start > 0.0 else off)
            n = pixel_events(
                levels,
                dt,
                reset,
                start,
                on,
                off,
                refractory,
                noise_t[first:stop],
                noise_p[first:stop],
                p_on,
                pixel_t,
                pixel_p,
            )
            for k in range(n):
                if total + k < capacity:
                    out_t[total + k] = pixel_t[k]
                    out_x[total + k] = x
                    out_y[total + k] = y
                    out_p[total + k] = pixel_p[k]
            total += n
    return total


@kernel
def channel_drive(sound, section, smooth, compression, gain, out):
    """Band-pass, half-wave rectify, compress and smooth one channel.

    ``section`` is b0, b1, b2, 1, a1, a2 of a second-order filter (direct form 2,
    transposed), ``smooth`` the pole of the low-pass; ``out`` float64 like ``sound``.
    """
    b0, b1, b2 = section[0], section[1], section[2]
    a1, a2 = section[4], section[5]
    z1, z2, low = 0.0, 0.0, 0.0
    root = compression == 0.5
    for k in range(sound.size):
        x = sound[k]
        y = b0 * x + z1
        z1 = b1 * x - a1 * y + z2
        z2 = b2 * x - a2 * y
        level = 0.0
        if y > 0.0:
            level = math.sqrt(y) if root else y**compression
        low = (1.0 - smooth) * level + smooth * low
        out[k] = gain * low


@kernel
def hair_cells(drive, dt, tau, threshold, refractory, out_t, out_x):
    """Leaky integrators with reset by subtraction, one per channel.

    ``v <- v exp(-dt / tau) + drive dt``; at the threshold an event at the linearly
    interpolated time, unless the last is younger than ``refractory`` (then the
    potential is held at the threshold).

    Parameters
    ----------
    drive : float64 (n_channels, n_samples)
        Non-negative input, thresholds per second.
    dt, tau, refractory : float
        Seconds.
    out_t : int64 (capacity,), out_x : int16 (capacity,)
        Times in us and channels, channel by channel.

    Returns
    -------
    int
        Number of events, which may exceed the capacity.
    """
    keep = math.exp(-dt / tau)
    total = 0
    for channel in range(drive.shape[0]):
        v = 0.0
        last = -np.inf
        for k in range(drive.shape[1]):
            before = v * keep
            v = before + drive[channel, k] * dt
            if v < threshold:
                continue
            share = 0.0
            if before < threshold:
                share = (threshold - before) / (v - before)
            when = (k + share) * dt
            if when - last < refractory:
                v = threshold
                continue
            if total < out_t.size:
                out_t[total] = np.int64(math.floor(1e6 * when))
                out_x[total] = channel
            total += 1
            last = when
            v -= threshold
            if v > threshold:
                v = threshold
    return total


@kernel
def record_levels(
    levels,
    width,
    dt,
    refractory,
    reset,
    sensor,
    noise_ptr,
    noise_t,
    noise_p,
    p_on,
    scratch,
    out,
):
    """Events of a movie: ``levels`` is float64 (pixels, frames); see record_still."""
    pixel_t, pixel_p = scratch
    out_t, out_x, out_y, out_p = out
    capacity = out_t.size
    total = 0
    for pixel in range(levels.shape[0]):
        y, x = pixel // width, pixel % width
        first, stop = noise_ptr[pixel], noise_ptr[pixel + 1]
        on, off = sensor[1, y, x], sensor[2, y, x]
        start = sensor[0, y, x]
        start = levels[pixel, 0] + start * (on if start > 0.0 else off)
        n = pixel_events(
            levels[pixel],
            dt,
            reset,
            start,
            on,
            off,
            refractory,
            noise_t[first:stop],
            noise_p[first:stop],
            p_on,
            pixel_t,
            pixel_p,
        )
        for k in range(n):
            if total + k < capacity:
                out_t[total + k] = pixel_t[k]
                out_x[total + k] = x
                out_y[total + k] = y
                out_p[total + k] = pixel_p[k]
        total += n
    return total
