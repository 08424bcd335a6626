"""The policy that pybullet ships for its inverted pendulum, as an optimizer of the pole's angle.

The plant is the cart and pole of `InvertedPendulumBulletEnv`, with the masses that Bullet computes
of its shapes, its step of 0.0165 s and semi-implicit Euler. n is the angle at t = 0, m the angle,
and A the action, a layer, or a unit.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from policy_source import Array, arrays_in, installed_file

import causalopt
from causalopt import ArraySource, Model

SOURCE = "examples/enjoy_TF_InvertedPendulumBulletEnv_v0_2017may.py"
STEP = 0.0165
PLANT = {"cart": 10.47197598009977, "pole": 5.018591545810472, "l": 0.3}
PLANT |= {"inertia": 0.26653950154827094, "gravity": 9.8}


def pendulum(weights: dict[str, Array], theta: float) -> Model:
    """Return the closed loop, its pole at an angle from upright (rad), all else at rest.

    Args:
        weights: The arrays of the policy's source.
        theta: The angle at t = 0.
    """
    sizes = {"signal": 5, "first": 64, "second": 32, "action": 1}
    kept = {name.removeprefix("weights_"): values for name, values in weights.items()}
    shapes = {
        "dense1_w": ["signal", "first"],
        "dense1_b": ["first"],
        "dense2_w": ["first", "second"],
        "dense2_b": ["second"],
        "final_w": ["second", "action"],
        "final_b": ["action"],
    }
    variables: dict[str, Any] = {
        name: {"shape": shape, "rule": f"{name}[t-1]", "values": f"#{name}"}
        for name, shape in shapes.items()
    }
    before = {v: f"{v}[t-1]" for v in ("x", "v", "theta", "omega", "force")}
    mass = "(cart + pole*sin(theta[t-1])**2 + pole*(1 - k)*cos(theta[t-1])**2)"
    push = "({force} + pole*l*{omega}**2*sin({theta}) - pole*k*gravity*sin({theta})*cos({theta}))"
    variables |= {
        "acceleration": {"rule": push.format(**before) + f"/{mass}", "initial": 0},
        "v": {"rule": "v[t-1] + step*acceleration[t]", "initial": 0},
        "x": {"rule": "x[t-1] + step*v[t]", "initial": 0},
        "omega": {
            "rule": "omega[t-1] + step*k/l*(gravity*sin(theta[t-1]) "
            "- acceleration[t]*cos(theta[t-1]))",
            "initial": 0,
        },
        "theta": {"rule": "theta[t-1] + step*omega[t]", "initial": theta},
        "seen": {
            "shape": ["signal"],
            "rule": "stack(x[t], v[t], cos(theta[t]), sin(theta[t]), omega[t], signal)",
        },
        "h1": {"shape": ["first"], "rule": "relu(seen[t] @ dense1_w[t] + dense1_b[t])"},
        "h2": {"shape": ["second"], "rule": "relu(h1[t] @ dense2_w[t] + dense2_b[t])"},
        "wanted": {"shape": ["action"], "rule": "h2[t] @ final_w[t] + final_b[t]"},
        "force": {"rule": "100*clip(sum(wanted[t]), -1, 1)"},
    }
    return Model(
        ArraySource(arrays=kept),
        name="inverted_pendulum",
        sizes=sizes,
        parameters={**PLANT, "step": STEP, "k": "pole*l**2/(inertia + pole*l**2)"},
        variables=variables,
        question={"nudge": "theta[0]", "hold": "force", "target": "theta", "steps": 100},
    )


def in_bullet(
    weights: dict[str, Array], theta: float, steps: int, forces: Array | None = None
) -> tuple[Array, Array]:
    """Return the pole's angle and the force on the cart in Bullet itself, [t].

    Args:
        weights: The arrays of the policy's source.
        theta: The angle at t = 0.
        steps: The last step.
        forces: The forces of another run, in place of the policy's.
    """
    import pybullet as bullet

    file = installed_file("pybullet_data", "mjcf/inverted_pendulum.xml")
    bullet.connect(bullet.DIRECT)
    bullet.setGravity(0, 0, -PLANT["gravity"])
    bullet.setPhysicsEngineParameter(fixedTimeStep=STEP, numSolverIterations=5, numSubSteps=1)
    body = bullet.loadMJCF(str(file))[1]
    for joint in (0, 2):
        bullet.setJointMotorControl2(body, joint, bullet.VELOCITY_CONTROL, force=0)
    bullet.resetJointState(body, 2, theta, 0)
    angles, pushed = [], []
    for t in range(steps + 1):
        (x, v), (angle, omega) = (bullet.getJointState(body, j)[:2] for j in (0, 2))
        angles.append(angle)
        h = np.array([x, v, np.cos(angle), np.sin(angle), omega])
        for layer in ("dense1", "dense2"):
            h = np.maximum(h @ weights[f"weights_{layer}_w"] + weights[f"weights_{layer}_b"], 0)
        wanted = h @ weights["weights_final_w"] + weights["weights_final_b"]
        force = 100 * float(np.clip(wanted[0], -1, 1)) if forces is None else forces[t]
        pushed.append(force)
        bullet.setJointMotorControl2(body, 0, bullet.TORQUE_CONTROL, force=force)
        bullet.stepSimulation()
    bullet.disconnect()
    return np.array(angles), np.array(pushed)


def op_in_bullet(weights: dict[str, Array], theta: float, steps: int) -> tuple[Array, Array]:
    """Return W's angles and Op of the action in Bullet itself, by three worlds, [t]."""
    nudge = 1e-6
    w, forces = in_bullet(weights, theta, steps)
    x, _ = in_bullet(weights, theta + nudge, steps)
    y, _ = in_bullet(weights, theta + nudge, steps, forces)
    return w, -np.log(np.abs((x - w) / (y - w)))


def main() -> None:
    """Print Op of the action, of the layers, and of the strongest units."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--theta", type=float, default=0.05, help="the angle at t = 0, in rad")
    parser.add_argument("--bullet", action="store_true", help="compare with Bullet's simulator")
    asked = parser.parse_args()
    weights = arrays_in(installed_file("pybullet_envs", SOURCE).read_text())
    model = pendulum(weights, asked.theta)
    run = causalopt.run(model)
    at = [5, 20, 40, 60, 100]
    print(f"Op of the action, in nats, at steps {at}, from {asked.theta} rad")
    print("  " + "  ".join(f"{float(run.op[t]):.2f} ({run.status[t]})" for t in at))
    if asked.bullet:
        angles, op = op_in_bullet(weights, asked.theta, 100)
        print("  " + "  ".join(f"{op[t]:.2f}" for t in at) + "  in Bullet, by finite nudges")
        gap = np.abs(np.asarray(run.W["theta"]) - angles)
        print(f"largest distance to Bullet's angle over 100 steps: {gap.max():.2g} rad")
    for layer in ("h1", "h2"):
        found = causalopt.run(model, hold=layer)
        print(f"Op of {layer} at step 60: {float(found.op[60]):.2f}")
    single = [
        float(causalopt.run(model, hold=f"h2[second={unit}]", steps=60).op[60])
        for unit in range(32)
    ]
    order = np.argsort(single)[::-1]
    shown = ", ".join(f"{unit}: {single[unit]:.2f}" for unit in order[:5])
    print(f"single units of h2 at step 60 (they do not add up): {shown}")


if __name__ == "__main__":
    main()
